// Prints the names that each entry of each @tallystick package exports, loaded by require().
const { entries } = require('./entries.mjs');

const names = {};
for (const entry of entries()) {
  names[entry] = Object.keys(require(entry))
    .filter((name) => name !== '__esModule')
    .sort();
}
console.log(JSON.stringify(names));
