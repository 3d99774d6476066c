// A program and a service of async functions. `run` prints its arguments, waits on two timers at once, and prints each
// line of stdin backwards; `greet` greets after a timer.
//
//   cat           instead: copies stdin to stdout
//   sleeps N MS   instead: N sleeps of MS milliseconds at once; prints how many there were and how long all of it took

import environment from "wasi:cli/environment@0.3.0";
import stdin from "wasi:cli/stdin@0.3.0";
import stdout from "wasi:cli/stdout@0.3.0";
import clock from "wasi:clocks/monotonic-clock@0.3.0";

const millisecond = 1_000_000;

async function timers() {
  const order = [];
  const start = clock.now();
  const timer = async (name, milliseconds) => {
    await clock.waitFor(milliseconds * millisecond);
    order.push(name);
  };
  await Promise.all([timer("long", 60), timer("short", 10)]);
  const enough = clock.now() - start >= 60 * millisecond;
  return `timers: ${order.join(", ")}, ${enough ? "ok" : "too early"}`;
}

async function readStdin() {
  const [stream] = stdin.readViaStream();
  let text = "";
  for await (const bytes of stream) text += String.fromCharCode(...bytes);
  return text;
}

function ascii(text) {
  return Uint8Array.from(text, (c) => c.charCodeAt(0));
}

async function sleeps(count, milliseconds) {
  const start = clock.now();
  let done = 0;
  const one = async () => {
    await clock.waitFor(milliseconds * millisecond);
    ++done;
  };
  await Promise.all(Array.from({ length: count }, one));
  return `${done} sleeps, ${Math.floor((clock.now() - start) / millisecond)} ms\n`;
}

async function* output() {
  const [, mode, ...numbers] = environment.getArguments();
  if (mode === "sleeps") {
    yield ascii(await sleeps(...numbers.map(Number)));
    return;
  }
  if (mode === "cat") {
    yield* stdin.readViaStream()[0];
    return;
  }
  for (const argument of environment.getArguments().slice(1)) yield ascii(`argument: ${argument}\n`);
  yield ascii((await timers()) + "\n");
  const lines = (await readStdin()).split("\n");
  if (lines.at(-1) === "") lines.pop();
  for (const line of lines) yield ascii([...line].reverse().join("") + "\n");
}

async function run() {
  const { readable, writable } = wit.Stream(wit.Stream.U8);
  const result = stdout.writeViaStream(readable);
  for await (const bytes of output()) await writable.writeAll(bytes);
  writable.drop();
  await result.read();
}

async function greet(name) {
  await clock.waitFor(10 * millisecond);
  return `hello, ${name}, from JavaScript`;
}

const greeter = { greet };
const runner = { run };
export { greeter, runner as run };
