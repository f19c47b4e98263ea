// Writes src/Worker/Inference/Tokenizing/Normalizers/canonical.txt from the Unicode Character Database:
//   node canonical.mjs FOLDER-OF-THE-UCD > canonical.txt
// The folder holds UnicodeData.txt, CompositionExclusions.txt and DerivedAge.txt of any version from 9.0 on (Debian: package unicode-data).
// Canonical properties of a character never change once it is assigned, so the characters of age <= 9.0 give the tables of Unicode 9.0:
// the ones that Hugging Face's tokenizers normalise by.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const AGE = 9.0;
const folder = process.argv[2];
const lines = (name) => readFileSync(join(folder, name), 'utf8').split('\n').map((line) => line.split('#')[0].trim()).filter(Boolean);
const hex = (code) => code.toString(16).toUpperCase().padStart(4, '0');

const age = new Map();
for (const line of lines('DerivedAge.txt')) {
  const [range, version] = line.split(';').map((part) => part.trim());
  const [first, last] = range.split('..').map((code) => parseInt(code, 16));
  for (let code = first; code <= (last ?? first); code++) age.set(code, parseFloat(version));
}

const excluded = new Set(lines('CompositionExclusions.txt').map((line) => parseInt(line, 16)));
const classes = new Map();
const decompositions = new Map();
for (const line of lines('UnicodeData.txt')) {
  const fields = line.split(';');
  const code = parseInt(fields[0], 16);
  if (!(age.get(code) <= AGE)) continue;
  if (fields[3] !== '0') classes.set(code, Number(fields[3]));
  if (fields[5] && !fields[5].startsWith('<')) decompositions.set(code, fields[5].split(' ').map((part) => parseInt(part, 16)));
}

console.log(`# Canonical properties of Unicode ${AGE.toFixed(1)}, from the Unicode Character Database (Unicode License v3); written by canonical.mjs.`);
console.log('# c FIRST LAST CLASS: combining class, where it is not 0');
const marks = [...classes.keys()].sort((a, b) => a - b);
for (let i = 0; i < marks.length;) {
  let j = i;
  while (marks[j + 1] === marks[j] + 1 && classes.get(marks[j + 1]) === classes.get(marks[i])) j++;
  console.log(`c ${hex(marks[i])} ${hex(marks[j])} ${classes.get(marks[i])}`);
  i = j + 1;
}

console.log('# d CODE PARTS: decomposes only; p CODE FIRST SECOND: decomposes, and composes again');
for (const [code, parts] of [...decompositions].sort((a, b) => a[0] - b[0])) {
  const composes = parts.length === 2 && !excluded.has(code) && !classes.has(code) && !classes.has(parts[0]);
  console.log(`${composes ? 'p' : 'd'} ${hex(code)} ${parts.map(hex).join(' ')}`);
}
