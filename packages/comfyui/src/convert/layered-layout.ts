/** A box to place: its size in pixels, and the boxes whose results it uses. */
export interface LayoutNode {
  id: string;
  width: number;
  height: number;
  sources: readonly string[];
}

const GAP_X = 80;
const GAP_Y = 50;
const SWEEPS = 4;

/** Longest way from a source, but boxes without sources stand right before what uses them first. */
function assignLayers(nodes: readonly LayoutNode[], order: readonly string[]): Map<string, number> {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const layers = new Map<string, number>();
  for (const id of order) {
    const before = (byId.get(id)?.sources ?? []).map((source) => layers.get(source) ?? -1);
    layers.set(id, before.reduce((highest, layer) => Math.max(highest, layer), -1) + 1);
  }
  const firstUse = new Map<string, number>();
  for (const node of nodes) {
    for (const source of node.sources) {
      const use = layers.get(node.id) ?? 0;
      firstUse.set(source, Math.min(firstUse.get(source) ?? use, use));
    }
  }
  for (const node of nodes) {
    const use = firstUse.get(node.id);
    if (node.sources.length === 0 && use !== undefined) layers.set(node.id, Math.max(0, use - 1));
  }
  return layers;
}

/** Mean place of a box's neighbours; where it has none it stays. */
function barycenter(neighbours: readonly string[], places: ReadonlyMap<string, number>, own: number): number {
  const known = neighbours.flatMap((id) => places.get(id) ?? []);
  return known.length === 0 ? own : known.reduce((sum, place) => sum + place, 0) / known.length;
}

/**
 * Places boxes in columns from left to right, each right of all that it uses, with few crossings; no two overlap.
 *
 * @param order ids so that sources come first; boxes that are not in it (in a cycle) share the first column.
 * @returns the upper left corner of each box.
 */
export function layeredLayout(
  nodes: readonly LayoutNode[],
  order: readonly string[],
): Map<string, { x: number; y: number }> {
  const layers = assignLayers(nodes, order);
  const edges = nodes.flatMap((node) => node.sources.map((source) => ({ source, user: node.id })));
  const users = Map.groupBy(edges, ({ source }) => source);
  const columns: LayoutNode[][] = [];
  for (const node of nodes) {
    const layer = layers.get(node.id) ?? 0;
    while (columns.length <= layer) columns.push([]);
    columns[layer]?.push(node);
  }
  const places = new Map<string, number>();
  const number = (column: readonly LayoutNode[]): void => {
    for (const [index, node] of column.entries()) places.set(node.id, index - (column.length - 1) / 2);
  };
  columns.forEach(number);
  for (let sweep = 0; sweep < SWEEPS; sweep += 1) {
    const forward = sweep % 2 === 0;
    for (const column of forward ? columns : columns.toReversed()) {
      const keys = new Map(
        column.map((node) => [
          node.id,
          barycenter(
            forward ? node.sources : (users.get(node.id) ?? []).map(({ user }) => user),
            places,
            places.get(node.id) ?? 0,
          ),
        ]),
      );
      column.sort((a, b) => (keys.get(a.id) ?? 0) - (keys.get(b.id) ?? 0));
      number(column);
    }
  }
  const corners = new Map<string, { x: number; y: number }>();
  let x = 0;
  for (const column of columns) {
    const total = column.reduce((sum, node) => sum + node.height, 0) + GAP_Y * Math.max(0, column.length - 1);
    let y = Math.round(-total / 2);
    for (const node of column) {
      corners.set(node.id, { x, y });
      y += node.height + GAP_Y;
    }
    x += Math.max(0, ...column.map((node) => node.width)) + (column.length > 0 ? GAP_X : 0);
  }
  return corners;
}
