// The last minute of a call on a canvas: packets a second and losses above, jitter and round trip in ms below.
'use strict';

const PLOT_SECONDS = 60;
const PLOT_MARGIN = { left: 64, right: 16, top: 30, between: 54, bottom: 30 };

const PANELS = [
  { title: 'packets a second', least: 60, series: [
    { name: 'received', colour: '#2f81f7', value: (now, then, seconds) => (now.received - then.received) / seconds },
    { name: 'sent', colour: '#3fb950', dashed: true, value: (now, then, seconds) => (now.sent - then.sent) / seconds },
    { name: 'lost', colour: '#f85149', value: (now, then, seconds) => Math.max(0, now.lost - then.lost) / seconds }] },
  { title: 'milliseconds', least: 10, series: [
    { name: 'jitter', colour: '#d29922', value: (now) => now.jitter },
    { name: 'round trip', colour: '#a371f7', value: (now) => now.rtt }] },
];

class Plot {
  constructor(canvas) {
    this.canvas = canvas;
    this.clear();
  }

  clear() {
    this.samples = [];
    this.draw();
  }

  /// `statistics`: what readStatistics() gave; at most one a second is worth its place.
  add(statistics) {
    this.samples.push(statistics);
    while (this.samples[0].at < statistics.at - (PLOT_SECONDS + 2) * 1000) this.samples.shift();
    this.draw();
  }

  draw() {
    const { width, height } = this.canvas;
    const context = this.canvas.getContext('2d');
    context.clearRect(0, 0, width, height);
    context.font = '18px system-ui, sans-serif';
    const ink = getComputedStyle(this.canvas).color;
    const panel = (height - PLOT_MARGIN.top - PLOT_MARGIN.between - PLOT_MARGIN.bottom) / PANELS.length;
    PANELS.forEach((one, index) => {
      const area = { left: PLOT_MARGIN.left, top: PLOT_MARGIN.top + index * (panel + PLOT_MARGIN.between),
        width: width - PLOT_MARGIN.left - PLOT_MARGIN.right, height: panel };
      this.drawPanel(context, one, area, ink);
    });
  }

  drawPanel(context, { title, least, series }, area, ink) {
    const lines = series.map((one) => ({ ...one, points: this.points(one.value) }));
    const top = Math.max(least, ...lines.flatMap(({ points }) => points.map(([, value]) => value * 1.15)));
    this.drawAxes(context, area, title, top, ink);
    let legend = area.left + area.width - lines.reduce((sum, { name }) => sum + context.measureText(name).width + 20, -20);
    for (const { name, colour, dashed, points } of lines) {
      context.fillStyle = colour;
      context.textAlign = 'left';
      context.fillText(name, legend, area.top - 10);
      legend += context.measureText(name).width + 20;
      context.strokeStyle = colour;
      context.lineWidth = 2.5;
      context.beginPath();
      for (const [age, value] of points) {
        const x = area.left + area.width * (1 - age / PLOT_SECONDS);
        context.lineTo(Math.max(area.left, x), area.top + area.height * (1 - value / top));
      }
      context.setLineDash(dashed ? [8, 8] : []);
      context.stroke();
      context.setLineDash([]);
    }
  }

  drawAxes(context, area, title, top, ink) {
    context.strokeStyle = '#8885';
    context.fillStyle = ink;
    context.lineWidth = 1;
    context.textAlign = 'left';
    context.fillText(title, area.left, area.top - 10);
    for (const share of [0, 0.5, 1]) {
      const y = area.top + area.height * (1 - share);
      context.beginPath();
      context.moveTo(area.left, y);
      context.lineTo(area.left + area.width, y);
      context.stroke();
      context.textAlign = 'right';
      context.fillText(String(Math.round(top * share * 10) / 10), area.left - 8, y + 6);
    }
    context.textAlign = 'left';
    context.fillText(`${PLOT_SECONDS} s ago`, area.left, area.top + area.height + 22);
    context.textAlign = 'right';
    context.fillText('now', area.left + area.width, area.top + area.height + 22);
  }

  /// [age in seconds, value] of every sample but the first, those that are known.
  points(value) {
    const last = this.samples.length ? this.samples[this.samples.length - 1].at : 0;
    return this.samples.slice(1).map((now, i) => {
      const then = this.samples[i];
      return [(last - now.at) / 1000, value(now, then, (now.at - then.at) / 1000)];
    }).filter(([, known]) => known !== null);
  }
}
