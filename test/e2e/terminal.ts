/** Returns a line of shell that types a command on a terminal, and then the answer to its question. */
export const onTerminal = (command: string, answer = "y"): string =>
  `printf '%s\\n' ${answer} | script --quiet --return --command 'stty cols 250; ${command}' /dev/null`;
