/**
 * What happens when the command line's output cannot be written. A reader that has enough (`| head -1`) ends the process without a word, as it ends other programs;
 * anything else, such as a full disk, is said and is a failure.
 */
export function watchOutput(stream: NodeJS.WriteStream): void {
  stream.on("error", (error: NodeJS.ErrnoException) => {
    // 128 + SIGPIPE, as shells report it; what was asked for was not all written.
    if (error.code === "EPIPE") process.exit(141);
    if (stream !== process.stderr) process.stderr.write(`error: cannot write the output: ${error.message}\n`);
    process.exit(2);
  });
}
