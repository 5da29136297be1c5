// @ts-check
/**
 * The image of a started engine (native/memory.c): `image.mjs BARE-BINARY OUTPUT-DIRECTORY` makes it, `image.mjs
 * BARE-BINARY BINARY` compares the two when the image has been linked in.
 *
 * The binary without an image starts its engine and writes the arena down. It does so in two processes that the kernel
 * put at different addresses, the arena at the same one: a word that differs by just that distance points into the
 * binary, and every other word must be equal. So what is a pointer is seen, not guessed; anything else that a process
 * has of its own (a time, an address of the stack) fails the build.
 */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";

const [binary, output] = process.argv.slice(2);
if (binary === undefined || output === undefined)
  throw new Error("usage: image.mjs BARE-BINARY OUTPUT-DIRECTORY|BINARY");

/** The bytes between an ELF file's headers and its last segment, which is the image. @param {string} path */
function besidesImage(path) {
  const file = readFileSync(path);
  const [headers, size, count] = [Number(file.readBigUInt64LE(32)), file.readUInt16LE(54), file.readUInt16LE(56)];
  const offsets = Array.from({ length: count }, (_, i) => headers + i * size)
    .filter((header) => file.readUInt32LE(header) === 1)
    .map((header) => Number(file.readBigUInt64LE(header + 8)));
  return file.subarray(headers + count * size, Math.max(...offsets));
}

if (statSync(output).isFile()) {
  if (!besidesImage(binary).equals(besidesImage(output)))
    throw new Error(`${binary} and ${output} differ in more than the image`);
  process.exit(0);
}

/** struct payload, with which the image begins. */
const imageSize = 0;
const relocationCount = 1;
const bytecode = 2;

/** What tools/learn.mjs has found out of the blocks that commands write to. */
const parts = existsSync(`${output}/parts`) ? readFileSync(`${output}/parts`) : "";

function take() {
  const { status, stdout: bytes } = spawnSync(`./${binary}`, ["--write-image"], {
    input: parts,
    stdio: ["pipe", "pipe", "inherit"],
    maxBuffer: 1 << 28,
  });
  // It has said why.
  if (status !== 0) process.exit(1);
  const words = new BigUint64Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
  return { base: /** @type {bigint} */ (words[0]), words: words.subarray(1) };
}

const first = take();
let second = take();
for (let attempt = 0; second.base === first.base && attempt < 10; attempt++) second = take();
const distance = second.base - first.base;
if (distance === 0n) throw new Error("the kernel does not randomise addresses, without which no image can be made");
if (first.words.length !== second.words.length || first.words[imageSize] !== BigInt(first.words.byteLength))
  throw new Error("two images differ in size");

const relocations = [];
for (const [index, word] of first.words.entries()) {
  const other = /** @type {bigint} */ (second.words[index]);
  if (word === other) continue;
  if (other - word !== distance)
    throw new Error(
      `word ${index} of the image is ${word.toString(16)} in one process, ${other.toString(16)} in another`,
    );
  relocations.push(index);
  first.words[index] = word - first.base;
}
first.words[relocationCount] = BigInt(relocations.length);
first.words[bytecode] = BigInt(first.words.byteLength + 4 * relocations.length);

writeFileSync(`${output}/image`, first.words);
writeFileSync(`${output}/relocations`, Uint32Array.from(relocations));
const page = process.arch === "arm64" ? 1 << 16 : 1 << 12;
writeFileSync(
  `${output}/image.S`,
  `.section .payload, "aw"
.balign ${page}
.global payload
payload: .incbin "${output}/image"
.incbin "${output}/relocations"
.include "${output}/besides.S"
.section .note.GNU-stack, "", %progbits
`,
);
