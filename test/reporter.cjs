// mocha's own spec report. It also writes the count of passed tests and the failures as JSON to the file $TEST_TOTALS, for
// test/run.ts to add up. A skipped test counts as failed.
const { writeFileSync } = require("node:fs");
const { reporters } = require("mocha");

module.exports = class extends reporters.Spec {
  constructor(runner, options) {
    super(runner, options);
    this.skipped = [];
    runner.on("pending", (test) => this.skipped.push({ title: `${test.fullTitle()}: skipped`, message: "" }));
  }

  done(failures, finish) {
    const failed = this.failures.map((test) => ({ title: test.fullTitle(), message: String(test.err?.stack) }));
    const totals = { passed: this.stats.passes, failures: [...failed, ...this.skipped] };
    writeFileSync(process.env.TEST_TOTALS, JSON.stringify(totals));
    finish(failures);
  }
};
