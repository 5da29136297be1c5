import assert from "node:assert/strict";
import { test } from "node:test";
import { inScratch } from "../../test/kernel/scratch.ts";
import { bindDatagramIn, connectDatagram } from "./datagram.ts";
import { connectIn, connectPath, listenIn } from "./socket.ts";

test("a path that is too long for an address is an error of the call that was to take it", () => {
  inScratch((directory) => {
    const name = "n".repeat(108);
    const message = (call: string) => `${call}("${name}"): file name too long (ENAMETOOLONG)`;
    for (const bind of [listenIn, bindDatagramIn])
      assert.throws(() => bind(directory, name), { name: "SyscallError", message: message("bind") });
    for (const connect of [connectPath, connectDatagram, (path: string) => connectIn(directory, path)])
      assert.throws(() => connect(name), { name: "SyscallError", message: message("connect") });
  });
});
