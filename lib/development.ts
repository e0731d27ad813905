/** Signs webhooks of jobs that are submitted without a key. Known to all: it is for receivers on the developer's machine. */
export const DEVELOPMENT_WEBHOOK_SECRET = `whsec_${Buffer.from("igpt-edge, development only.").toString("base64")}`;

/** What development opens that production closes, and how that is called in the line which says so. */
const OPEN: Record<string, { value: string; what: string }> = {
  ANONYMOUS_SCOPES: { value: "COMPLETE,EMBED,JOBS", what: "requests without a key" },
  CORS_ORIGINS: { value: "loopback", what: "web pages of this machine" },
  ALLOW_LOOPBACK_URLS: { value: "on", what: "picture and webhook URLs of this machine" },
  GRAPHIQL: { value: "on", what: "GraphiQL and introspection" },
  FLOOD_GUARD: { value: "off", what: "no flood guard" },
};

const OTHERS: Record<string, string> = {
  WEBHOOK_SECRET: DEVELOPMENT_WEBHOOK_SECRET,
  // Jobs go on soon after the Worker or the origin was restarted.
  JOB_STALL_SECONDS: "20",
};

/** Variables of wrangler.toml that an environment variable of the same name sets. */
const FROM_ENVIRONMENT = [
  ...Object.keys(OPEN),
  ...Object.keys(OTHERS),
  "ENGINE",
  "DNS_OVER_HTTPS",
  "ORIGIN_URLS",
  "ANONYMOUS_REQUESTS_PER_MINUTE",
  "ANONYMOUS_PIXELS_PER_MONTH",
];

/** The variables of `npm run dev`. `given` (--var) wins over the environment, and that over what development opens. */
export function developmentVariables(
  given: Record<string, string>,
  environment: Readonly<Record<string, string | undefined>> = {},
): Record<string, string> {
  const all = { ...Object.fromEntries(Object.entries(OPEN).map(([name, { value }]) => [name, value])), ...OTHERS };
  for (const name of FROM_ENVIRONMENT) {
    const value = environment[name];
    if (value !== undefined) all[name] = value;
  }
  return { ...all, ...given };
}

/** The line that says what is open here that production closes, each with its setting; undefined: nothing. */
export function whatIsOpen(variables: Record<string, string>): string | undefined {
  const open = Object.entries(OPEN).filter(([name, { value }]) => variables[name] === value);
  if (open.length === 0) return undefined;
  return `Open here, closed in production: ${open.map(([name, { what }]) => `${what} (${name})`).join(", ")}.`;
}
