/*
 * The pool of `@saintno/comfyui-sdk` in a process of its own, because its sockets outlive it. Started by fork with the
 * server's address; takes a list of workflows as JSON texts, runs them all, and says how many seconds that took.
 */
import { CallWrapper, ComfyApi, ComfyPool, PromptBuilder } from '@saintno/comfyui-sdk';
import { z } from 'zod';

const workflowSchema = z.record(
  z.string(),
  z.object({ class_type: z.string(), inputs: z.record(z.string(), z.json()) }),
);

function runOne(client: ComfyApi, text: string): Promise<unknown> {
  const nodes = workflowSchema.parse(JSON.parse(text));
  const prompt = Object.fromEntries(
    Object.entries(nodes).map(([id, node]) => [id, { ...node, _meta: { title: node.class_type } }]),
  );
  const builder = new PromptBuilder(prompt, [], ['made']).setOutputNode('made', '2');
  return new Promise((resolve, reject) => {
    new CallWrapper(client, builder).onFinished(resolve).onFailed(reject).run().catch(reject);
  });
}

const pool = new ComfyPool([new ComfyApi(process.argv[2] ?? '', 'bench-sdk', { forceWs: true })]);

process.on('message', (message) => {
  const workflows = z.array(z.string()).parse(message);
  const startedAt = performance.now();
  pool.batch(workflows.map((text) => (client: ComfyApi) => runOne(client, text))).then(
    () => process.send?.({ seconds: (performance.now() - startedAt) / 1_000 }),
    (error: unknown) => {
      console.error(error);
      process.exit(1);
    },
  );
});
