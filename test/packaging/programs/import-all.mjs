// Prints the names that each entry of each @tallystick package exports, loaded by import.
import { entries } from './entries.mjs';

const names = {};
for (const entry of entries()) names[entry] = Object.keys(await import(entry)).sort();
console.log(JSON.stringify(names));
