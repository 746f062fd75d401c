// --- what every client is made of ---

export type Token = string | (() => string | Promise<string>);

export interface ClientOptions {
  /** Where the service is. */
  baseUrl: string;
  /** Of the caller, or what gives it; sent as `Authorization: Bearer …`. */
  token?: Token;
  /** For each attempt. Default: 30 seconds. */
  timeoutMs?: number;
  /** Attempts after the first. Default: 2. */
  maxRetries?: number;
  /** Sent with each call. */
  headers?: Readonly<Record<string, string>>;
  /** What carries requests. Default: the global one. */
  fetch?: typeof globalThis.fetch;
}

export interface CallOptions {
  headers?: Readonly<Record<string, string>>;
  timeoutMs?: number;
  signal?: AbortSignal;
}

export interface Answer<T> {
  readonly status: number;
  readonly headers: Headers;
  readonly value: T;
}

/** Root of all that a client throws of its own. */
export class SdkError extends Error {
  /** How often the request was sent. */
  attempts = 0;
}

/** An argument cannot be sent; nothing was. */
export class ValidationFailed extends SdkError {}

/** No whole answer came. */
export class ConnectionFailed extends SdkError {}

/** The answer is no JSON. */
export class ContractViolation extends SdkError {}

/** The server refused the request, or failed. */
export class ApiError extends SdkError {
  readonly code: string;
  readonly type: string;
  readonly detail: string;
  readonly remedy: string;
  readonly issues: readonly unknown[];
  constructor(
    readonly status: number,
    document: Readonly<Record<string, unknown>>,
    readonly requestId: string,
  ) {
    super(`${status} ${text(document, "code")}: ${text(document, "detail")}`);
    this.code = text(document, "code");
    this.type = text(document, "type");
    this.detail = text(document, "detail");
    this.remedy = text(document, "remedy");
    const issues = document["issues"];
    this.issues = Array.isArray(issues) ? issues : [];
  }
}
export class BadRequest extends ApiError {}
export class Unauthorized extends ApiError {}
export class Forbidden extends ApiError {}
export class NotFound extends ApiError {}
export class Conflict extends ApiError {}
export class Gone extends ApiError {}
export class RateLimited extends ApiError {}
export class Timeout extends ApiError {}
export class ServerError extends ApiError {}
export class Unavailable extends ServerError {}

const ERRORS: Readonly<Record<number, typeof ApiError>> = {
  400: BadRequest, 401: Unauthorized, 403: Forbidden, 404: NotFound, 408: Timeout,
  409: Conflict, 410: Gone, 429: RateLimited, 503: Unavailable, 504: Timeout,
};

function text(document: Readonly<Record<string, unknown>>, name: string): string {
  const value = document[name];
  return typeof value === "string" ? value : "";
}

function errorOf(status: number, headers: Headers, body: string): ApiError {
  let document: unknown = null;
  try {
    document = JSON.parse(body);
  } catch {
    // No problem document: the status says what there is to say.
  }
  const Known = ERRORS[status] ?? (status >= 500 ? ServerError : ApiError);
  const plain = typeof document === "object" && document !== null ? document : {};
  return new Known(status, plain as Record<string, unknown>, headers.get("request-id") ?? "");
}

type Gets = "json" | "raw" | "nothing";

interface Call {
  readonly handler: string;
  readonly method: string;
  readonly path: string;
  readonly version: string | null;
  readonly query: Readonly<Record<string, unknown>>;
  readonly body: BodyInit | undefined;
  readonly media: string;
  readonly gets: Gets;
  readonly takesKey: boolean;
}

const REPEATABLE: ReadonlySet<string> = new Set(["GET", "HEAD", "PUT", "DELETE", "OPTIONS"]);
const PASSING: ReadonlySet<number> = new Set([408, 429, 502, 503, 504]);
const warned = new Set<string>();

function warnOfItsEnd(handler: string, headers: Headers): void {
  const told = ["deprecation", "sunset"].filter((name) => headers.has(name));
  if (told.length > 0 && !warned.has(handler)) {
    warned.add(handler);
    const words = told.map((name) => `${name} ${headers.get(name)}`).join(", ");
    console.warn(`The version of ${handler} that this client calls is to end: ${words}.`);
  }
}

function segment(value: string | number): string {
  const text = String(value);
  if (text === "" || text === "." || text === "..") {
    throw new ValidationFailed(`${JSON.stringify(text)} cannot stand in a path.`);
  }
  return encodeURIComponent(text);
}

function rest(value: string): string {
  return value.split("/").map(segment).join("/");
}

function queryOf(query: Readonly<Record<string, unknown>>): string {
  const pairs = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    for (const each of Array.isArray(value) ? value : [value]) {
      if (each !== undefined && each !== null) pairs.append(name, String(each));
    }
  }
  const written = pairs.toString();
  return written === "" ? "" : `?${written}`;
}

function delayMs(attempt: number, headers: Headers | undefined): number {
  const own = Math.random() * Math.min(500 * 2 ** (attempt - 1), 8000);
  const text = (headers?.get("retry-after") ?? "").trim();
  const wish = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - Date.now();
  return wish > own && wish <= 60000 ? wish : own;
}

class Sender {
  constructor(private readonly options: ClientOptions) {}

  async send<T>(call: Call, own: CallOptions): Promise<Answer<T>> {
    const key = call.takesKey ? crypto.randomUUID() : undefined;
    for (let attempt = 1; ; attempt += 1) {
      let headers: Headers | undefined;
      let failed: SdkError;
      try {
        const response = await this.once(call, own, key);
        headers = response.headers;
        return await this.read<T>(call, response);
      } catch (error) {
        if (own.signal?.aborted) throw error;
        failed = error instanceof SdkError ? error : unconnected(call, error);
      }
      failed.attempts = attempt;
      const mayPass =
        failed instanceof ConnectionFailed ||
        (failed instanceof ApiError && PASSING.has(failed.status));
      const isRepeatable = call.takesKey || REPEATABLE.has(call.method);
      if (!mayPass || !isRepeatable || attempt > (this.options.maxRetries ?? 2)) {
        throw failed;
      }
      const pause = delayMs(attempt, headers);
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
  }

  private async once(
    call: Call,
    own: CallOptions,
    key: string | undefined,
  ): Promise<Response> {
    const { baseUrl, token, timeoutMs, headers, fetch: carry } = this.options;
    const bearer = typeof token === "function" ? await token() : token;
    const limit = AbortSignal.timeout(own.timeoutMs ?? timeoutMs ?? 30000);
    const sent: Record<string, string> = { accept: "application/json, application/problem+json" };
    if (call.version !== null) sent["timescape-version"] = call.version;
    if (call.body !== undefined) sent["content-type"] = call.media;
    if (key !== undefined) sent["idempotency-key"] = key;
    if (bearer !== undefined) sent["authorization"] = `Bearer ${bearer}`;
    const url = baseUrl.replace(/\/+$/, "") + call.path + queryOf(call.query);
    return (carry ?? globalThis.fetch)(url, {
      method: call.method,
      headers: { ...sent, ...headers, ...own.headers },
      body: call.body ?? null,
      signal: own.signal === undefined ? limit : AbortSignal.any([own.signal, limit]),
    });
  }

  private async read<T>(call: Call, response: Response): Promise<Answer<T>> {
    const { status, headers } = response;
    if (!response.ok) throw errorOf(status, headers, await response.text());
    warnOfItsEnd(call.handler, headers);
    if (call.gets === "raw") {
      return { status, headers, value: new Uint8Array(await response.arrayBuffer()) as T };
    }
    const body = await response.text();
    if (call.gets === "nothing") return { status, headers, value: undefined as T };
    try {
      return { status, headers, value: (body === "" ? null : JSON.parse(body)) as T };
    } catch (error) {
      throw new ContractViolation(`${call.method} ${call.path} answered no JSON: ${error}`);
    }
  }
}

function unconnected(call: Call, error: unknown): ConnectionFailed {
  return new ConnectionFailed(`${call.method} ${call.path}: ${error}`, { cause: error });
}
