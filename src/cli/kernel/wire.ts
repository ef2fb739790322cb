import { createHmac, randomUUID, timingSafeEqual } from "node:crypto";

// Jupyter's messages on the wire: https://jupyter-client.readthedocs.io/en/stable/messaging.html#the-wire-protocol

/** The version of Jupyter's protocol that is spoken here. */
export const protocol = "5.3";

/** What a message is, and who sent it. */
export interface Header {
  msg_id: string;
  session: string;
  username: string;
  date: string;
  msg_type: string;
  version: string;
}

/** A message of Jupyter's protocol. */
export interface Message {
  /** To whom a reply goes; of what is published its topic. */
  identities: Buffer[];
  header: Header;
  /** The header of the request that this is about; empty where there is none. */
  parent: Header | Record<string, never>;
  metadata: object;
  content: Record<string, unknown>;
}

const delimiter = Buffer.from("<IDS|MSG>");
const session = randomUUID();

/** @throws Error for frames that are no message, or were not signed with this key. */
export function decode(key: string, frames: readonly Buffer[]): Message {
  const at = frames.findIndex((frame) => frame.equals(delimiter));
  const [signature, ...parts] = frames.slice(at + 1);
  if (at < 0 || !signature || parts.length < 4) throw new Error("this is no message of Jupyter's");
  const [given, expected] = [signature, Buffer.from(sign(key, parts.slice(0, 4)))];
  if (given.length !== expected.length || !timingSafeEqual(given, expected))
    throw new Error("a message has the wrong signature");
  const [header, parent, metadata, content] = parts.slice(0, 4).map((part) => JSON.parse(part.toString()));
  return { identities: frames.slice(0, at), header, parent, metadata, content };
}

/** The frames of a message, signed. */
export function encode(key: string, message: Message): Buffer[] {
  const { identities, header, parent, metadata, content } = message;
  const parts = [header, parent, metadata, content].map((part) => Buffer.from(JSON.stringify(part)));
  return [...identities, delimiter, Buffer.from(sign(key, parts)), ...parts];
}

/** A message about `request`, or about none. */
export const about = (
  request: Message | null,
  msg_type: string,
  content: object,
  identities: Buffer[] = [Buffer.from(msg_type)],
): Message => ({
  identities,
  header: {
    msg_id: randomUUID(),
    session,
    username: "kernel",
    date: new Date().toISOString(),
    msg_type,
    version: protocol,
  },
  parent: request?.header ?? {},
  metadata: {},
  content: content as Record<string, unknown>,
});

/** Where there is no key nothing is signed. */
function sign(key: string, parts: readonly Buffer[]): string {
  if (key === "") return "";
  const hash = createHmac("sha256", key);
  for (const part of parts) hash.update(part);
  return hash.digest("hex");
}
