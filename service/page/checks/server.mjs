// A server that says where it listens, until it is stopped.

import { spawn } from "node:child_process";
import { PATIENCE_MS } from "./browser.mjs";

export class Server {
  /** Starts `program`; its address is what follows "http://" in its first line that has it. */
  static async start(program, args, variables = {}) {
    const made = new Server();
    const environment = Object.entries(process.env).filter(([name]) => !/^(KNHK|OTEL)_/.test(name));
    made.child = spawn(program, args, { env: { ...Object.fromEntries(environment), ...variables }, stdio: ["ignore", "pipe", "pipe"] });
    made.said = "";
    made.address = await new Promise((resolve, reject) => {
      const watch = setTimeout(() => reject(new Error(`${program} does not say where it listens: ${made.said}`)), PATIENCE_MS);
      const hear = (bytes) => {
        made.said += bytes;
        const found = /http:\/\/[\d.]+:\d+/.exec(made.said);
        if (!found) return;
        clearTimeout(watch);
        resolve(found[0]);
      };
      made.child.stdout.on("data", hear);
      made.child.stderr.on("data", hear);
      made.child.on("exit", (code) => reject(new Error(`${program} ended with ${code}: ${made.said}`)));
    });
    return made;
  }

  get port() {
    return new URL(this.address).port;
  }

  async json(path) {
    return (await fetch(this.address + path)).json();
  }

  /** Asks it to end, and waits until it has. */
  stop(signal = "SIGTERM") {
    const ended = new Promise((resolve) => this.child.once("exit", resolve));
    this.child.kill(signal);
    return ended;
  }
}
