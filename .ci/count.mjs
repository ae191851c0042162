// Prints the closing line of CI. A run that failed before or beside its tests counts as one failure at least.
import { readFileSync } from 'node:fs';

const [file, status] = process.argv.slice(2);
let counts = { numPassedTests: 0, numFailedTests: 0, numPendingTests: 0, numTodoTests: 0 };
try {
  counts = JSON.parse(readFileSync(file, 'utf8'));
} catch {
  // No test ran.
}
const failed = status === '0' ? counts.numFailedTests : Math.max(1, counts.numFailedTests);
const skipped = counts.numPendingTests + counts.numTodoTests;
console.log(
  `${counts.numPassedTests} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`,
);
