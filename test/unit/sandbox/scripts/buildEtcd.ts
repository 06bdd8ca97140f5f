// Run by toolchain.test.ts, which interrupts it.
import { silentProgress } from "../../../../sandbox/progress";
import { ensureTools } from "../../../../sandbox/toolchain";

void ensureTools(["etcd"], silentProgress);
