import { nearest } from "./nearest";
import { eitherOf, type Parsed, parseText } from "./parsed";

/** Returns a parser of one word out of a closed list. */
export function choiceOf<T extends string>(choices: readonly T[]): (value: unknown) => Parsed<T> {
  return (value) => {
    const text = parseText(value);
    if ("wrong" in text) return { wrong: `${text.wrong}; choose ${eitherOf(choices)}` };
    const chosen = choices.find((choice) => choice === text.value);
    if (chosen !== undefined) return { value: chosen };
    const meant = nearest(text.value, choices);
    const choose = `choose ${eitherOf(choices)}`;
    return {
      wrong: meant ? `is none of the choices (did you mean ${meant}?); ${choose}` : `is none of the choices; ${choose}`,
    };
  };
}
