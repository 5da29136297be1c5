/** Messages of D-Bus as bytes (D-Bus specification, "Message Protocol"). */
import { BoxError } from "../base/errors.ts";
import { marshal, maxMessage, unmarshal, unmarshalPrefix, type Value, type Variant } from "./wire.ts";

/** A call of a method. */
export interface Call {
  readonly destination: string;
  readonly path: string;
  readonly interface: string;
  readonly member: string;
  /** Of `body`. */
  readonly signature?: string;
  readonly body?: readonly Value[];
}

/** A message that came in. */
export interface Message {
  readonly type: "call" | "return" | "error" | "signal";
  readonly path: string | undefined;
  readonly interface: string | undefined;
  readonly member: string | undefined;
  /** Of an error: `org.freedesktop.DBus.Error.ServiceUnknown`. */
  readonly errorName: string | undefined;
  /** Serial of the call that is answered. */
  readonly replySerial: number | undefined;
  /** The unique name of who sent it, put there by the bus. */
  readonly sender: string | undefined;
  readonly body: readonly Value[];
}

const types = ["call", "return", "error", "signal"] as const;

/** Codes of header fields. */
const fields = {
  path: 1,
  interface: 2,
  member: 3,
  errorName: 4,
  replySerial: 5,
  destination: 6,
  sender: 7,
  signature: 8,
};

const littleEndian = 0x6c;

/** Until the header's fields: endianness, type, flags, version, length of the body, serial; then the fields' length. */
export const prefixSize = 16;

const prefix = "yyyyuu";

/** A whole message, little-endian. @param serial of this connection, never 0 (D-Bus specification, "Message Format") */
export function encodeCall(call: Call, serial: number): Uint8Array {
  const { destination, path, interface: name, member, signature = "", body = [] } = call;
  const payload = marshal(signature, body);
  const text = (code: number, type: string, value: string): Value => [code, { signature: type, value }];
  const list = [
    text(fields.path, "o", path),
    text(fields.destination, "s", destination),
    text(fields.interface, "s", name),
    text(fields.member, "s", member),
    ...(signature === "" ? [] : [text(fields.signature, "g", signature)]),
  ];
  const header = marshal(`${prefix}a(yv)`, [littleEndian, 1, 0, 1, payload.length, serial, list]);
  const start = Math.ceil(header.length / 8) * 8;
  const message = new Uint8Array(start + payload.length);
  message.set(header);
  message.set(payload, start);
  return message;
}

/** The whole length of a message, from its first bytes. @throws BoxError when it is none, or longer than we take */
export function messageLength(start: Uint8Array): number {
  const { values } = unmarshalPrefix(`${prefix}u`, start);
  const [endian, , , version, body, , headerFields] = values as number[];
  if (endian !== littleEndian || version !== 1) throw new BoxError("D-Bus: not a little-endian message of version 1");
  const length = prefixSize + Math.ceil((headerFields as number) / 8) * 8 + (body as number);
  if (length > maxMessage) throw new BoxError(`D-Bus: a message of ${length} bytes, ${maxMessage} are the limit`);
  return length;
}

/** @param bytes one whole message */
export function decodeMessage(bytes: Uint8Array): Message {
  const { values, length } = unmarshalPrefix(`${prefix}a(yv)`, bytes);
  const type = types[(values[1] as number) - 1];
  if (type === undefined) throw new BoxError(`D-Bus: a message of type ${values[1]}`);
  const found = new Map(values[6] as readonly [number, Variant][]);
  const field = <T extends Value>(code: number, signature: string): T | undefined => {
    const variant = found.get(code);
    if (variant !== undefined && variant.signature !== signature)
      throw new BoxError(`D-Bus: header field ${code} of type ${variant.signature}`);
    return variant?.value as T | undefined;
  };
  const body = bytes.subarray(Math.ceil(length / 8) * 8);
  return {
    type,
    path: field(fields.path, "o"),
    interface: field(fields.interface, "s"),
    member: field(fields.member, "s"),
    errorName: field(fields.errorName, "s"),
    replySerial: field(fields.replySerial, "u"),
    sender: field(fields.sender, "s"),
    body: unmarshal(field(fields.signature, "g") ?? "", body),
  };
}
