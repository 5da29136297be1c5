/** Drawing, as far as the plots need it. */

export const colors: Readonly<Record<string, string>> = {
  box: "#1f6fd1",
  before: "#8fb8ea",
  crun: "#e07b28",
  runc: "#8a6fb0",
  floor: "#5b9a5b",
};

const escaped = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll("`", "");

export class Svg {
  readonly #parts: string[] = [];
  readonly width: number;
  readonly height: number;

  constructor(width: number, height: number, title: string) {
    this.width = width;
    this.height = height;
    // For who does not see it.
    this.#add("title", {}, escaped(title));
    this.rect(0, 0, width, height, "#ffffff");
    this.text(12, 22, title, { weight: 600 });
  }

  rect(x: number, y: number, width: number, height: number, fill: string): void {
    this.#add("rect", { x, y, width: Math.max(width, 0.5), height, fill });
  }

  line(points: readonly (readonly [number, number])[], stroke: string, width = 1): void {
    const at = points.map(([x, y]) => `${round(x)},${round(y)}`).join(" ");
    this.#add("polyline", { points: at, fill: "none", stroke, "stroke-width": width });
  }

  text(
    x: number,
    y: number,
    text: string,
    { anchor = "start", weight = 400, fill = "#222222", size = 12, turn = 0 } = {},
  ): void {
    const rotation = turn === 0 ? {} : { transform: `rotate(${turn} ${round(x)} ${round(y)})` };
    const attributes = { x, y, "text-anchor": anchor, "font-weight": weight, "font-size": size, fill, ...rotation };
    this.#add("text", attributes, escaped(text));
  }

  /** A small square and a name for each. */
  legend(x: number, y: number, names: readonly string[]): void {
    for (const [index, name] of names.entries()) {
      this.rect(x + index * 70, y - 9, 10, 10, colors[name] ?? "#999999");
      this.text(x + index * 70 + 15, y, name);
    }
  }

  toString(): string {
    const size = `width="${this.width}" height="${this.height}" viewBox="0 0 ${this.width} ${this.height}"`;
    return `<svg xmlns="http://www.w3.org/2000/svg" ${size} font-family="sans-serif">\n${this.#parts.join("\n")}\n</svg>\n`;
  }

  #add(element: string, attributes: Readonly<Record<string, string | number>>, content = ""): void {
    const list = Object.entries(attributes).map(
      ([name, value]) => `${name}="${typeof value === "number" ? round(value) : value}"`,
    );
    this.#parts.push(`<${[element, ...list].join(" ")}>${content}</${element}>`);
  }
}

const round = (value: number): number => Math.round(value * 10) / 10;

/** Where a value is drawn. */
export type Scale = (value: number) => number;

export function linear(from: number, to: number, low: number, high: number): Scale {
  return (value) => low + ((value - from) / (to - from)) * (high - low);
}

export function logarithmic(from: number, to: number, low: number, high: number): Scale {
  const scale = linear(Math.log(from), Math.log(to), low, high);
  return (value) => scale(Math.log(value));
}

/** Round numbers, about `count` of them, up to `to`. */
export function ticks(to: number, count: number): number[] {
  const rough = to / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 5].find((factor) => factor * power >= rough) ?? 10) * power;
  return Array.from({ length: Math.floor(to / step) + 1 }, (_, index) => Math.round(index * step * 1e6) / 1e6);
}
