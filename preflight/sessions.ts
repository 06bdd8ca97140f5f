import { sessionPlace, sessionsElsewhere, type SessionPlace } from "../authentik/sessionPlace";
import { closeForwardAuth, openForwardAuth, releasesOf } from "../authentik/releases";
import type { Deployment } from "../kubernetes/types";
import type { OutpostSettings } from "../settings/types";
import { merge, nothing, problem, warning, type Findings } from "./findings";

/** Finds outposts that no solution helps: their sessions are elsewhere, or removing these would open forward auth. */
export function inspectSessions(settings: OutpostSettings, live: Deployment | undefined): Findings {
  const container = live?.spec?.template.spec?.containers.find(({ name }) => name === settings.container);
  if (!container) return nothing;
  const open = inspectForwardAuth(settings, container.image);
  return settings.solution === "none" ? open : merge([open, elsewhere(settings, sessionPlace(container))]);
}

/** Refuses a solution where forward auth is open. Without one it is a warning, since a restart of the pods opens it too. */
function inspectForwardAuth({ name, deployment, solution }: OutpostSettings, image: string | undefined): Findings {
  if (!releasesOf(image)?.isOpen) return nothing;
  const open = `outpost "${name}": Deployment ${deployment} runs ${image}, and ${openForwardAuth}.`;
  if (solution === "none") return warning(`${open} So a restart of its pods opens it too. ${closeForwardAuth}`);
  const without = "To go on without this outpost, set its `solution` to none.";
  return problem(`${open} So making room opens it too. ${closeForwardAuth} ${without}`);
}

function elsewhere({ name, deployment, container }: OutpostSettings, place: SessionPlace): Findings {
  if ("unknown" in place)
    return warning(
      `outpost "${name}": the place of its sessions is not known, because in Deployment ${deployment}, container ${container}, ` +
        `${place.unknown}. This cure reaches only sessions in /dev/shm. To read it in the pods: outpost-shm verify.`,
    );
  const found = sessionsElsewhere(container, place);
  if (!found) return nothing;
  return problem(
    `outpost "${name}": in Deployment ${deployment}, ${found.seen}. No solution reaches them there. ${found.todo} ` +
      `To leave them there, set the outpost's \`solution\` to none.`,
  );
}
