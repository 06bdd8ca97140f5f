import { quantityBytes } from "../kubernetes/quantity";
import type { LimitRange, Pod, PodSpec } from "../kubernetes/types";

type Container = PodSpec["containers"][number];

/** Objects that may give a container a memory limit that the Deployment does not show. */
export interface LimitSources {
  limitRanges: readonly LimitRange[];
  pods: readonly Pod[];
}

/**
 * Adds the memory limits that a template's pods get from elsewhere: by the default of a LimitRange, else as live pods show. Of
 * several the least is taken; which of two LimitRanges Kubernetes applies is not determined.
 * @returns `sources` of the limits that the template does not have, by container
 */
export function effectiveSpec(template: Partial<PodSpec>, { limitRanges, pods }: LimitSources) {
  const sources: Record<string, string> = {};
  const byDefault = least(limitRanges.flatMap(containerDefaults));
  const filled = (container: Container): Container => {
    const { name, resources } = container;
    if (resources?.limits?.memory !== undefined) return container;
    const found = byDefault ?? least(pods.flatMap((pod) => limitIn(pod, name)));
    if (!found) return container;
    sources[name] = found.source;
    return { ...container, resources: { ...resources, limits: { ...resources?.limits, memory: found.memory } } };
  };
  const { containers = [], initContainers = [] } = template;
  const spec = { ...template, containers: containers.map(filled), initContainers: initContainers.map(filled) };
  return { spec, sources };
}

interface Found {
  memory: string;
  source: string;
}

function containerDefaults({ metadata, spec }: LimitRange): Found[] {
  const source = `the default of LimitRange ${metadata?.name}`;
  const defaults = (spec?.limits ?? []).filter(({ type }) => type === "Container");
  return defaults.flatMap((item) => (item._default?.memory ? [{ memory: item._default.memory, source }] : []));
}

function limitIn({ metadata, spec }: Pod, container: string): Found[] {
  const source = `by pod ${metadata?.name}; the Deployment itself has none`;
  const all = [...(spec?.containers ?? []), ...(spec?.initContainers ?? [])];
  const memory = all.find(({ name }) => name === container)?.resources?.limits?.memory;
  return memory === undefined ? [] : [{ memory, source }];
}

function least(found: Found[]): Found | undefined {
  const bytes = ({ memory }: Found) => quantityBytes(memory) ?? Infinity;
  return [...found].sort((a, b) => bytes(a) - bytes(b))[0];
}
