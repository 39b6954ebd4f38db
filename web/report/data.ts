/* What src/report/html.c writes: the timeline as the page wants it. Times are milliseconds, null where there is none. */

export type Modality = "none" | "face" | "voice" | "words" | "fused";
/* t0, t1, label, score, person, valence of a word or attributes of another interval, id */
export type Interval = [number, number, string, number | null, number, any, string];
/* onset, apex, offset, kind, modality, person, strength, confidence, id */
export type EventRow = [number, number, number, string, number, number, number | null, number | null, string];
/* from, to, kind, lag, its standard deviation, score */
export type LinkRow = [string, string, string, number | null, number | null, number | null];

export interface Track {
  id: string; role: string; unit: string; modality: number; person: number; model: string;
  n: number; /* rows that were measured; the page may have fewer, each the mean of a stretch */
  channels: string[];
  t: number[]; /* made seconds by the page */
  v: (number | null)[][]; /* a list a channel; lo and hi are the range within the stretch */
  lo?: (number | null)[][]; hi?: (number | null)[][];
  later?: boolean; /* the served page asks for the rows when they are wanted */
  /* added by the page */
  step: number; gap: number; index: Map<string, number>; number: number;
}

export interface Data {
  title: string; duration: number;
  media: { name: string; kind: "video" | "audio" | "image"; src: string };
  properties: [string, string][];
  warnings: [number | null, number | null, string][];
  tracks: Track[];
  tiers: { id: string; modality: number; items: Interval[] }[];
  events: EventRow[];
  links: LinkRow[];
  categories: string[];
  labels: Record<string, number>;
  names: Record<string, string>;
}

/* Where the served page gets rows of a track from: at most `rows` stretches of [from, to), in seconds. */
export interface Source {
  track(number: number, from: number, to: number, rows: number): Promise<Pick<Track, "t" | "v" | "lo" | "hi">>;
  /* Goes on with a recording whose bytes stopped coming; calls `broken` where it cannot be played at all. */
  media(media: HTMLMediaElement, broken: () => void): void;
}
