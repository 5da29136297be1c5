/** Lines of a `schemata` file: `L3:0=7ff;1=1f`, `MB:0=20;1=70` (Documentation/filesystems/resctrl.rst). Pure. */

/** The value of each domain of one resource. */
function domainsOf(line: string): { readonly resource: string; readonly domains: ReadonlyMap<string, string> } {
  const colon = line.indexOf(":");
  const domains = line
    .slice(colon + 1)
    .split(";")
    .map((part) => part.split("=").map((text) => text.trim()));
  return {
    resource: line.slice(0, colon).trim(),
    domains: new Map(
      domains.map(([domain = "", value = ""]) => [domain, value.replace(/^(0x)?0*(?=.)/i, "").toLowerCase()]),
    ),
  };
}

/** Whether a file says of every domain that a line names what the line says. Zeros in front and spaces mean nothing. */
export function matches(file: string, line: string): boolean {
  if (!line.includes(":")) return false;
  const wanted = domainsOf(line);
  const found = file
    .split("\n")
    .map(domainsOf)
    .find(({ resource }) => resource === wanted.resource);
  return found !== undefined && [...wanted.domains].every(([domain, value]) => found.domains.get(domain) === value);
}
