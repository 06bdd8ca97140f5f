import { readFileSync } from "node:fs";
import { join } from "node:path";
import { repositoryRoot } from "../../sandbox/paths";

/** Extracts the commands under a heading of a page, block by block, without their prompts and the comments behind them. */
export function documented(page: string, heading: string): string[][] {
  const [, section] = readFileSync(join(repositoryRoot, page), "utf8").split(`\n## ${heading}\n`);
  const blocks = [...section.split("\n## ")[0].matchAll(/```console\n([^]*?)```/g)];
  return blocks.map(([, block]) => [...block.matchAll(/^\$ (.*?) *(?: # .*)?$/gm)].map(([, command]) => command));
}
