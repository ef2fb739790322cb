import { about, decode, encode, type Message } from "./wire.js";

/** What a connection file says. */
export interface Connection {
  transport: string;
  ip: string;
  key: string;
  shell_port: number;
  control_port: number;
  stdin_port: number;
  hb_port: number;
  iopub_port: number;
}

/** As much of the package zeromq as is used: it comes with tslab. */
export interface Zmq {
  Router: new () => Socket;
  Reply: new () => Socket;
  Publisher: new () => Socket;
}

interface Socket extends AsyncIterable<Buffer[]> {
  sendTimeout: number;
  bind(address: string): Promise<void>;
  send(frames: Buffer[]): Promise<void>;
  close(): void;
}

/** Sends a message to all who listen, about the request that is answered. */
export type Publish = (type: string, content: object) => void;

/** Answers a request: gives the reply's content. */
export type Handler = (content: never, publish: Publish) => object | Promise<object>;

/** Milliseconds that last messages have to leave. */
const farewell = 100;

/**
 * Listens on the sockets of a connection file and has `handlers` answer: that named `execute` answers `execute_request`, and so on. What has no handler is not
 * answered, as the protocol has it. Resolves when it listens.
 * @param log Is told of what is no message.
 * @param ended Called after `shutdown` was answered.
 */
export async function serve(
  connection: Connection,
  zmq: Zmq,
  handlers: Readonly<Record<string, Handler>>,
  { log, ended }: { log(line: string): void; ended(): void },
): Promise<void> {
  const { key, transport, ip } = connection;
  const iopub = new zmq.Publisher();
  // zeromq hands every 512th message to a later turn of the event loop, and drops what is sent until then. With no time to wait it sends at once.
  iopub.sendTimeout = 0;
  const [shell, control, stdin] = [new zmq.Router(), new zmq.Router(), new zmq.Router()];
  const heartbeat = new zmq.Reply();

  const publish = (request: Message | null, type: string, content: object): void => {
    iopub.send(encode(key, about(request, type, content))).catch(() => {}); // nobody listens
  };

  const answer = async (socket: Socket, request: Message): Promise<void> => {
    const { msg_type } = request.header;
    const toAll: Publish = (type, content) => publish(request, type, content);
    toAll("status", { execution_state: "busy" });
    try {
      const name = /^(\w+)_request$/.exec(msg_type)?.[1];
      const handler = name !== undefined && Object.hasOwn(handlers, name) ? handlers[name] : undefined;
      if (handler) {
        const content = await Promise.resolve()
          .then(() => handler(request.content as never, toAll))
          .catch(failure);
        await send(socket, encode(key, about(request, `${name}_reply`, content, request.identities)));
      }
    } finally {
      toAll("status", { execution_state: "idle" });
    }
    if (msg_type === "shutdown_request") setTimeout(ended, farewell);
  };

  const listen = async (socket: Socket): Promise<void> => {
    for await (const frames of socket) {
      try {
        const request = decode(key, frames);
        void answer(socket, request).catch((error: Error) => log(error.message));
      } catch (error) {
        log((error as Error).message);
      }
    }
  };
  const echo = async (): Promise<void> => {
    for await (const frames of heartbeat) await heartbeat.send(frames);
  };

  const separator = transport === "ipc" ? "-" : ":";
  const places = [
    [iopub, connection.iopub_port],
    [shell, connection.shell_port],
    [control, connection.control_port],
    [stdin, connection.stdin_port],
    [heartbeat, connection.hb_port],
  ] as const;
  await Promise.all(places.map(([socket, port]) => socket.bind(`${transport}://${ip}${separator}${port}`)));
  for (const running of [listen(shell), listen(control), echo()])
    running.catch((error: Error) => log(error.message));
  publish(null, "status", { execution_state: "starting" });
}

/** A socket sends one message at a time. */
const sending = new WeakMap<Socket, Promise<void>>();

function send(socket: Socket, frames: Buffer[]): Promise<void> {
  const next = (sending.get(socket) ?? Promise.resolve()).then(() => socket.send(frames));
  sending.set(
    socket,
    next.catch(() => {}),
  );
  return next;
}

/** The reply to a request that could not be answered. */
export const failure = (error: unknown): object => {
  const { name, message } = error instanceof Error ? error : new Error(String(error));
  return { status: "error", ename: name, evalue: message, traceback: [`${name}: ${message}`] };
};
