/** Frames as bytes: pure, so that every malformed one can be tried. */
import { BoxError } from "../base/errors.ts";
import { headerSize, maxBody, protocolVersion } from "./messages.ts";

/** The header in front of a body of this length. */
export function header(length: number): Uint8Array {
  const bytes = new Uint8Array(headerSize);
  bytes.set([0x42, 0x58, protocolVersion, 0]);
  new DataView(bytes.buffer).setUint32(4, length, true);
  return bytes;
}

/** The length of the body that a header announces. @throws BoxError for anything that is not a header of ours */
export function bodyLength(bytes: Uint8Array): number {
  if (bytes[0] !== 0x42 || bytes[1] !== 0x58 || bytes[3] !== 0)
    throw new BoxError("handshake: not a frame of box's protocol");
  if (bytes[2] !== protocolVersion) {
    throw new BoxError(`handshake: the other side speaks version ${bytes[2]}, this one ${protocolVersion}`);
  }
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(4, true);
  if (length > maxBody) throw new BoxError(`handshake: a message of ${length} bytes is longer than ${maxBody}`);
  return length;
}
