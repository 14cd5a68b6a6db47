/** Draws lanes of builds on a canvas: what is not in sight costs nothing. */

import type { State } from '@/domain/states';
import { drawnOf, type Block, type Drawn, type Tick } from '@/domain/waterfall';

export const ROW = 30;
const BLOCK = 18;
const TOP = (ROW - BLOCK) / 2;
const HATCH = 6;

export interface Wait {
  from: number;
  to: number | null;
}

export interface Scene {
  from: number;
  to: number;
  now: number;
  width: number;
  height: number;
  /** How far the lanes are scrolled, in pixels. */
  top: number;
  /** The lane of each row. */
  lane: (row: number) => readonly Block[];
  waits: (row: number) => readonly Wait[];
  rows: number;
  ticks: readonly Tick[];
  cursor: { row: number; buildid?: number } | null;
  colour: (name: string) => string;
}

const SIGNS: Partial<Record<State, string>> = {
  success: '✓',
  failure: '✕',
  warnings: '!',
  exception: '⚡',
  retry: '↻',
  cancelled: '⊘',
  skipped: '–',
};

export function draw(canvas: HTMLCanvasElement, scene: Scene): void {
  const ratio = globalThis.devicePixelRatio || 1;
  const { width, height } = scene;
  if (canvas.width !== Math.round(width * ratio)) canvas.width = Math.round(width * ratio);
  if (canvas.height !== Math.round(height * ratio)) canvas.height = Math.round(height * ratio);
  const pen = canvas.getContext('2d');
  if (!pen) return;
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.clearRect(0, 0, width, height);
  const scale = width / (scene.to - scene.from);
  for (const tick of scene.ticks) {
    pen.fillStyle = scene.colour('--line');
    pen.fillRect(Math.round((tick.at - scene.from) * scale), 0, tick.isDay ? 2 : 1, height);
  }
  const first = Math.max(0, Math.floor(scene.top / ROW));
  const last = Math.min(scene.rows - 1, Math.floor((scene.top + height) / ROW));
  for (let row = first; row <= last; row += 1) {
    const y = row * ROW - scene.top;
    if (scene.cursor?.row === row) {
      pen.fillStyle = scene.colour('--hover');
      pen.fillRect(0, y, width, ROW);
    }
    pen.fillStyle = scene.colour('--line');
    pen.fillRect(0, y + ROW - 1, width, 1);
    for (const wait of scene.waits(row)) drawWait(pen, wait, scene, y);
    for (const one of drawnOf(scene.lane(row), scene.from, scene.to, width, scene.now)) {
      drawBlock(pen, one, y + TOP, scene);
      if (scene.cursor?.row === row && scene.cursor.buildid === one.block.buildid) {
        pen.strokeStyle = scene.colour('--accent');
        pen.lineWidth = 2;
        pen.strokeRect(Math.max(1, one.x) - 2, y + TOP - 2, one.width + 4, BLOCK + 4);
      }
    }
  }
  const x = (scene.now - scene.from) * scale;
  if (x >= 0 && x <= width) {
    pen.fillStyle = scene.colour('--accent');
    pen.fillRect(Math.round(x), 0, 1.5, height);
  }
}

function drawWait(pen: CanvasRenderingContext2D, wait: Wait, scene: Scene, y: number): void {
  const scale = scene.width / (scene.to - scene.from);
  const x = Math.max(0, (wait.from - scene.from) * scale);
  const end = Math.min(scene.width, ((wait.to ?? scene.now) - scene.from) * scale);
  if (end < x || (wait.to !== null && end - x < 1.5)) return;
  const width = Math.max(end - x, 3);
  const colour = scene.colour('--state-waiting');
  // Hatched, as time that was waited is on the page of a build.
  pen.save();
  pen.beginPath();
  pen.roundRect(x, y + TOP, width, BLOCK, Math.min(3, width / 3));
  pen.clip();
  pen.strokeStyle = colour;
  pen.lineWidth = 1.5;
  pen.beginPath();
  for (let at = Math.floor((x - BLOCK) / HATCH) * HATCH; at < end; at += HATCH) {
    pen.moveTo(at, y + TOP + BLOCK);
    pen.lineTo(at + BLOCK, y + TOP);
  }
  pen.stroke();
  pen.restore();
  pen.strokeStyle = colour;
  pen.lineWidth = 1;
  pen.beginPath();
  pen.roundRect(x + 0.5, y + TOP + 0.5, width - 1, BLOCK - 1, Math.min(3, width / 3));
  pen.stroke();
}

function drawBlock(pen: CanvasRenderingContext2D, one: Drawn, y: number, scene: Scene): void {
  const x = Math.max(one.x, -4);
  // A free pixel between neighbours, where there is room for it.
  const width = Math.min(one.x + one.width, scene.width + 4) - x - (one.width > 5 ? 1 : 0);
  const colour = scene.colour(`--state-${one.state}`);
  const isHollow = one.state === 'retry' || one.state === 'cancelled' || one.state === 'skipped';
  pen.fillStyle = colour;
  pen.beginPath();
  pen.roundRect(x, y, width, BLOCK, Math.min(3, width / 3));
  if (isHollow && width >= 4) {
    pen.strokeStyle = colour;
    pen.lineWidth = 1.5;
    pen.stroke();
  } else {
    if (one.state === 'running') pen.globalAlpha = 0.75;
    pen.fill();
    pen.globalAlpha = 1;
  }
  // Told apart without colour, however narrow: a notch, a gap, a cap.
  if (one.state === 'failure') pen.clearRect(x, y + BLOCK - 5, width, 2);
  if (one.state === 'exception') for (const gap of [4, 9, 14]) pen.clearRect(x, y + gap, width, 1.5);
  if (one.state === 'warnings') pen.clearRect(x, y + 3, width, 2);
  const sign = SIGNS[one.state];
  if (sign && width >= 15) {
    const isPlain = isHollow || one.state === 'exception';
    pen.fillStyle = isHollow ? colour : scene.colour('--mantine-color-body');
    pen.font = `${isPlain ? '' : 'bold '}11px sans-serif`;
    pen.textBaseline = 'middle';
    if (one.state !== 'exception') pen.fillText(sign, Math.max(x, 0) + 4, y + (one.state === 'failure' ? 7 : BLOCK / 2 + 1));
    if (width >= 64 && one.state !== 'exception')
      pen.fillText(`#${one.block.number}`, Math.max(x, 0) + 18, y + (one.state === 'failure' ? 7 : BLOCK / 2 + 1));
  }
}
