// mocha's own spec report, plus its counts as JSON in the file that $TEST_TOTALS names, for test/run.ts to add up.
const { writeFileSync } = require("node:fs");
const { reporters } = require("mocha");

module.exports = class extends reporters.Spec {
  done(failures, finish) {
    const { passes, failures: failed, pending } = this.stats;
    writeFileSync(process.env.TEST_TOTALS, JSON.stringify({ passed: passes, failed, skipped: pending }));
    finish(failures);
  }
};
