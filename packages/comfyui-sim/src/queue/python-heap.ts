/**
 * Python's `heapq` on an array: `GET /queue` shows the array as it lies in memory, so its exact order after each
 * operation is part of the protocol.
 */
export interface HeapItem {
  number: number;
  promptId: string;
}

/** Tuples are compared by number, then by prompt id. */
function isBefore(a: HeapItem, b: HeapItem): boolean {
  return a.number === b.number ? a.promptId < b.promptId : a.number < b.number;
}

function siftDown(heap: HeapItem[], start: number, position: number): void {
  const item = heap[position] as HeapItem;
  let at = position;
  while (at > start) {
    const parentAt = (at - 1) >> 1;
    const parent = heap[parentAt] as HeapItem;
    if (!isBefore(item, parent)) break;
    heap[at] = parent;
    at = parentAt;
  }
  heap[at] = item;
}

function siftUp(heap: HeapItem[], position: number): void {
  const item = heap[position] as HeapItem;
  let at = position;
  let childAt = 2 * at + 1;
  while (childAt < heap.length) {
    const right = childAt + 1;
    if (right < heap.length && !isBefore(heap[childAt] as HeapItem, heap[right] as HeapItem)) childAt = right;
    heap[at] = heap[childAt] as HeapItem;
    at = childAt;
    childAt = 2 * at + 1;
  }
  heap[at] = item;
  siftDown(heap, position, at);
}

export function heapPush<T extends HeapItem>(heap: T[], item: T): void {
  heap.push(item);
  siftDown(heap, 0, heap.length - 1);
}

export function heapPop<T extends HeapItem>(heap: T[]): T | undefined {
  const last = heap.pop();
  const first = heap[0];
  if (last === undefined || first === undefined) return last;
  heap[0] = last;
  siftUp(heap, 0);
  return first;
}

export function heapify(heap: HeapItem[]): void {
  for (let index = (heap.length >> 1) - 1; index >= 0; index -= 1) siftUp(heap, index);
}
