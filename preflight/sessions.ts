import { sessionPlace, sessionsElsewhere, type SessionPlace } from "../authentik/sessionPlace";
import { closeForwardAuth, openForwardAuth, releasesOf } from "../authentik/versions";
import type { Deployment } from "../kubernetes/types";
import type { OutpostSettings } from "../settings/settings";
import { merge, nothing, problem, warning, type Findings } from "./findings";

/** Finds outposts that no solution helps: their sessions are elsewhere, or removing these would open forward auth. */
export function inspectSessions(settings: OutpostSettings, live: Deployment | undefined): Findings {
  const { solution, container: name } = settings;
  const container = live?.spec?.template.spec?.containers.find((each) => each.name === name);
  if (!container || solution === "none") return nothing;
  const { image = "" } = container;
  return merge([
    releasesOf(image)?.isOpen ? problem(open(settings, image)) : nothing,
    elsewhere(settings, sessionPlace(container)),
  ]);
}

const open = ({ name, deployment }: OutpostSettings, image: string): string =>
  `outpost "${name}": Deployment ${deployment} runs ${image}, and ${openForwardAuth}. So making room opens it too. ` +
  `${closeForwardAuth} To go on without this outpost, set its \`solution\` to none.`;

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
