/** Pixels in rows, 8 bits a channel. */
export interface RawPicture {
  data: Buffer;
  width: number;
  height: number;
  channels: 3 | 4;
}

/** A picture that is drawn when somebody looks at it, once. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  raw: () => Promise<RawPicture>;
}

/** Builds a picture; `render` is called at most once, and must give `width` × `height` pixels. */
export function createPicture(width: number, height: number, render: () => Promise<RawPicture>): Picture {
  let rendered: Promise<RawPicture> | undefined;
  let pending: (() => Promise<RawPicture>) | undefined = render;
  return {
    width,
    height,
    raw: () => {
      if (pending !== undefined) {
        rendered = pending();
        // What the picture was made from is let go as soon as it is drawn.
        pending = undefined;
      }
      return rendered as Promise<RawPicture>;
    },
  };
}
