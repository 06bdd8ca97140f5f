import type { ContainerPlace } from "./cluster";
import { NotOpened } from "./exec";

/**
 * Explains in one line why a command could not be run in a container, and what to do.
 * @param error of {@link Cluster.exec}
 * @param kubectl with its flags, as in {@link Target}
 */
export function refusalOf(error: Error, { pod, container }: ContainerPlace, kubectl: string): string {
  const { cause, message } = error;
  if (cause instanceof NotOpened && (cause.code === 403 || cause.code === 401)) {
    return `${message}. An exec takes create and get on pods/exec: ${kubectl} auth can-i create pods/exec`;
  }
  if (/executable file not found|no such file or directory/.test(message)) {
    return `container ${container} has no shell, so nothing can sweep there. ${kubectl} delete pod ${pod} empties its /dev/shm (its users log in again)`;
  }
  return message;
}
