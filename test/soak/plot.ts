/** Draws what was measured over the cycles, as SVG. */
import type { Sample } from "./measures.ts";

interface Panel {
  readonly title: string;
  readonly of: (sample: Sample) => number;
}

const panels: readonly Panel[] = [
  {
    title: "kernel memory of the soak's cgroup that cannot be reclaimed, MiB",
    of: ({ kernelMemory }) => kernelMemory / 2 ** 20,
  },
  { title: "largest resident size of a box, MiB", of: ({ peak }) => peak / 1024 },
  { title: "open files of the machine", of: ({ files }) => files },
  { title: "mounts of the machine", of: ({ mounts }) => mounts },
  { title: "cgroups of the machine", of: ({ cgroups }) => cgroups },
  { title: "removed cgroups of the soak's that the kernel still has", of: ({ dying }) => dying },
];

const [width, height, left, gap] = [640, 110, 70, 40];

/** More points than the picture has room for are thinned out, the largest of each column being kept. */
function thin(points: readonly (readonly [number, number])[], columns: number): (readonly [number, number])[] {
  const size = Math.ceil(points.length / columns);
  return Array.from({ length: Math.ceil(points.length / size) }, (_, column) =>
    points.slice(column * size, (column + 1) * size).reduce((most, point) => (point[1] > most[1] ? point : most)),
  );
}

function draw(panel: Panel, samples: readonly Sample[], top: number): string {
  const points = thin(
    samples.map((sample) => [sample.cycles, panel.of(sample)] as const),
    width - left,
  );
  const [most, last] = [Math.max(...points.map(([, value]) => value), 1), samples.at(-1)?.cycles ?? 1];
  const line = points
    .map(([cycles, value]) => {
      const [x, y] = [left + (cycles / last) * (width - left - 10), top + height * (1 - value / most)];
      return `${x.toFixed(1)},${y.toFixed(1)}`;
    })
    .join(" ");
  const label = (y: number, text: string): string => `<text x="${left - 6}" y="${y}" text-anchor="end">${text}</text>`;
  return [
    `<text x="${left}" y="${top - 8}" class="title">${panel.title}</text>`,
    `<path d="M${left} ${top}V${top + height}H${width - 10}" class="axis"/>`,
    label(top + 8, most < 100 ? most.toFixed(1) : most.toFixed(0)),
    label(top + height, "0"),
    `<polyline points="${line}"/>`,
  ].join("\n");
}

export function plot(samples: readonly Sample[]): string {
  const total = panels.length * (height + gap) + gap;
  const cycles = samples.at(-1)?.cycles ?? 0;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${total}" font-family="sans-serif" font-size="11">
<style>.title{font-weight:bold}.axis{fill:none;stroke:#999}polyline{fill:none;stroke:#06c}</style>
<rect width="100%" height="100%" fill="#fff"/>
${panels.map((panel, index) => draw(panel, samples, gap + index * (height + gap))).join("\n")}
<text x="${width - 10}" y="${total - 16}" text-anchor="end">${cycles} cycles</text>
</svg>
`;
}
