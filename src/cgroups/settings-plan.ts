/** From linux.resources to settings: each property of the table goes to the hierarchy that has its controller. Pure. */
import type { CgroupLayout } from "../facts/cgroups.ts";
import { entry } from "../spec/findings.ts";
import { each, refuse } from "../spec/refusal.ts";
import type { Resources } from "../spec/types.ts";
import { planDeviceRules } from "./devices.ts";
import type { CgroupSettings, Setting } from "./ops.ts";
import { type CgroupVersion, properties, v1Controller, type Wish } from "./resources.ts";

export const cgroupRoot = "/sys/fs/cgroup";
export const noCgroups = "this host has no cgroups mounted at /sys/fs/cgroup";

/**
 * @param asked what is to be written
 * @param all what will be in force then; `asked` is a part of it
 * @param at the path of the resources, for errors
 * @throws Refusal naming the property, the controller and the hierarchies, for each that cannot be written on this host
 */
export function planSettings(asked: Resources, all: Resources, layout: CgroupLayout, at: string): CgroupSettings {
  // Most containers have device rules and nothing else: then the table need not be gone through.
  const isLimited = Object.keys(asked).some((name) => name !== "devices");
  const wishes = (isLimited ? properties : []).flatMap((property) =>
    property.wishes(asked, all).map((wish) => [property, wish] as const),
  );
  const plans = [
    ...wishes.map(
      ([{ controller }, wish]) =>
        () =>
          planWish(wish, controller, layout, at),
    ),
    ...Object.entries(asked.unified ?? {}).map(
      ([key, text]) =>
        () =>
          planUnified(key, text, layout, at),
    ),
  ];
  const planned = each(plans, (plan) => plan());
  const devices = planDeviceRules(asked.devices ?? []);
  if (layout.mode === "none" && devices.length > 0) refuse(at, noCgroups);
  return {
    settings: withoutTwins(planned.flatMap(({ settings }) => settings)),
    controllers: [...new Set(planned.flatMap(({ controllers }) => controllers))],
    devices,
  };
}

interface Planned {
  readonly settings: readonly Setting[];
  readonly controllers: readonly string[];
}

const nothing: Planned = { settings: [], controllers: [] };

function planWish(wish: Wish, controller: string, layout: CgroupLayout, at: string): Planned {
  const { path, neutral, dispensable, lines } = wish;
  const property = `${at}.${path}`;
  const place = placeOf(controller, layout);
  const found = lines(place?.version ?? (layout.mode === "v2" ? 2 : 1));
  if (place === undefined || found === undefined) {
    if (neutral || (place === undefined && dispensable)) return nothing;
    refuse(property, found === undefined ? "cgroup v2 has no such setting" : missing(controller, layout));
  }
  return {
    settings: found.map(({ optional = neutral, ...line }) => ({
      property,
      mount: place.mount,
      ...line,
      optional,
      neutral,
    })),
    // What a cgroup without the controller has anyway is no reason to enable it.
    controllers: place.version === 2 && !neutral ? [controller] : [],
  };
}

/** A file of cgroup2 by its name, as the caller wrote it. */
function planUnified(name: string, text: string, layout: CgroupLayout, at: string): Planned {
  const property = `${at}.unified${entry(name)}`;
  const mount = unifiedMount(layout);
  if (mount === undefined) refuse(property, "this host has no cgroup v2");
  const controller = name.split(".")[0] ?? name;
  const ofCore = controller === "cgroup" || name.endsWith(".pressure");
  if (!ofCore && !controllersOf(layout).includes(controller)) {
    const place = placeOf(controller, layout);
    if (place?.version === 1) refuse(property, `the ${controller} controller is of cgroup v1 here`);
    refuse(property, missing(controller, layout));
  }
  return {
    settings: linesIn(text).map((line) => {
      const device = /^\d+:\d+(?= )/.exec(line)?.[0];
      const setting = { property, mount, files: [{ name, text: line }], optional: false, neutral: false };
      return device === undefined ? setting : { ...setting, key: device };
    }),
    controllers: ofCore ? [] : [controller],
  };
}

/** The kernel takes one device with each write (io.max): of several lines each is written by itself. */
function linesIn(text: string): readonly string[] {
  const lines = text.split("\n").filter((line) => line !== "");
  return lines.length > 1 ? lines : [text];
}

/** The hierarchy that has a controller. One that is mounted as v1 is not in cgroup2: cgroups(7). */
function placeOf(
  controller: string,
  layout: CgroupLayout,
): { readonly mount: string; readonly version: CgroupVersion } | undefined {
  if (layout.mode === "v1") {
    const hierarchy = layout.hierarchies.find(({ options }) => options.includes(v1Controller(controller)));
    if (hierarchy !== undefined) return { mount: `${cgroupRoot}/${hierarchy.name}`, version: 1 };
  }
  const mount = unifiedMount(layout);
  return mount !== undefined && controllersOf(layout).includes(controller) ? { mount, version: 2 } : undefined;
}

function unifiedMount(layout: CgroupLayout): string | undefined {
  if (layout.mode === "v2") return cgroupRoot;
  return layout.mode === "v1" && layout.unified ? `${cgroupRoot}/unified` : undefined;
}

function controllersOf(layout: CgroupLayout): readonly string[] {
  return layout.mode === "none" ? [] : layout.controllers;
}

function missing(controller: string, layout: CgroupLayout): string {
  if (layout.mode === "none") return noCgroups;
  const v1 = layout.mode === "v1" ? layout.hierarchies.map(({ name }) => name).join(" ") : undefined;
  const v2 = unifiedMount(layout);
  const looked = [
    ...(v1 === undefined ? [] : [`cgroup v1 with ${v1}`]),
    ...(v2 === undefined ? [] : [`${v2} with ${controllersOf(layout).join(" ") || "no controller"}`]),
  ];
  const name = layout.mode === "v1" && v2 === undefined ? v1Controller(controller) : controller;
  return `needs the ${name} controller, which this host does not have (looked at ${looked.join(", ")})`;
}

/** Two properties may stand in one file: it is written once. */
function withoutTwins(settings: readonly Setting[]): readonly Setting[] {
  const id = ({ mount, files, key = "" }: Setting) =>
    [mount, key, ...files.map(({ name, text }) => `${name} ${text}`)].join("\n");
  const firsts = new Map<string, Setting>();
  for (const setting of settings) {
    const twin = firsts.get(id(setting));
    if (twin === undefined || (twin.neutral && !setting.neutral)) firsts.set(id(setting), setting);
  }
  return [...firsts.values()];
}
