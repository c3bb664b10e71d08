const { connect } = require('@tallystick/sdk');

test('a service in CommonJS is tested as well', async () => {
  const identity = await connect();
  const { authorization } = await identity.authorize({ method: 'GET', url: 'https://ledger.acme.example/journal' });
  expect(authorization).toMatch(/^DPoP /);
  await identity.close();
});
