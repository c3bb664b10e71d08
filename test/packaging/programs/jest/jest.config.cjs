module.exports = { testMatch: ['**/*.test.*'], transform: {} };
