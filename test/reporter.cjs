// mocha's own spec report. It also writes counts and failures as JSON to the file $TEST_TOTALS, for test/run.ts to add up.
const { writeFileSync } = require("node:fs");
const { reporters } = require("mocha");

module.exports = class extends reporters.Spec {
  done(failures, finish) {
    const { passes, failures: failed, pending } = this.stats;
    const failedTests = this.failures.map((test) => ({ title: test.fullTitle(), message: String(test.err?.stack) }));
    writeFileSync(process.env.TEST_TOTALS, JSON.stringify({ passed: passes, failed, skipped: pending, failedTests }));
    finish(failures);
  }
};
