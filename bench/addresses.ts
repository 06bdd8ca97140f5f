import { goSession } from "../sandbox/sessionFormats";
import { loginCount } from "./heldVisits";
import { containerLimits, inGroup, type ControlGroup } from "./limits";
import { Place, unixTime } from "./place";
import { startSidecar, writeVisits } from "./processes";

/** A flood of visits with long addresses, beside honest ones. */
export interface AddressTrial {
  /** Size of a session file of the flood. */
  bytes: number;
  rate: number;
  seconds: number;
  /** The honest visits, and those that found no space. */
  visits: number;
  refused: number;
  loginsLost: number;
}

const honestRate = 20;
/** Honest visits are numbered from here, so that their names do not collide with the flood's. */
const firstHonest = 500_000_000;
/** Lengths of addresses as they are stored: each byte above 0x7f takes three characters. */
const floods = [
  { length: 60, rate: 300 },
  { length: 8_192 * 3, rate: 300 },
  { length: (1 << 20) * 3, rate: 4 },
];

/** Runs each flood for so many seconds, within the container's limits. */
export async function addressTrials(seconds: number): Promise<AddressTrial[]> {
  const place = await Place.open(256);
  const trials: AddressTrial[] = [];
  for (const { length, rate } of floods) {
    place.clear();
    place.logInMany(loginCount, unixTime());
    trials.push(await inGroup(containerLimits, (group) => trial(place, { length, rate, seconds }, group)));
  }
  await place.close();
  return trials;
}

async function trial(
  place: Place,
  { length, rate, seconds }: { length: number; rate: number; seconds: number },
  group: ControlGroup,
): Promise<AddressTrial> {
  const sidecar = await startSidecar(place, group);
  const [, honest] = await Promise.all([
    writeVisits(place, { first: 0, rate, seconds, length }),
    writeVisits(place, { first: firstHonest, rate: honestRate, seconds }),
  ]);
  await sidecar.stop();
  const bytes = goSession({ holds: ["redirect"], url: "p".repeat(length) }).length;
  const visits = honest.written + honest.failed;
  return {
    bytes,
    rate,
    seconds,
    visits,
    refused: honest.failed,
    loginsLost: loginCount - place.loginsLeft(loginCount),
  };
}
