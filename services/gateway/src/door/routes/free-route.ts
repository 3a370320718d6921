import { instanceToken } from '@atelier/shared/contracts/subjects';
import { requireScope } from '../../core/principal.ts';
import { AppError } from '@atelier/shared/errors/app-error';
import { bodyObject, principalOf, type DoorContext, type DoorServerInstance } from '../door-context.ts';

const answerMs = 5_000;

/** `POST /free`: everybody's models go, so only operators may. */
export function registerFreeRoute(server: DoorServerInstance, { catalog, parts }: DoorContext): void {
  server.post('/free', async (request, reply) => {
    requireScope(principalOf(request), 'admin');
    const { unload_models: unload, free_memory: free } = bodyObject(request);
    if (unload !== true && free !== true) return reply.send();
    const ids = await catalog.livingIds();
    const answers = await Promise.allSettled(
      ids.map((instanceId) => {
        const command = { instanceId, command: 'free_memory' } as const;
        // An id as one word of a subject.
        return parts
          .bus()
          .ask('workerCommand', { instanceId: instanceToken(instanceId) }, command, { timeoutMs: answerMs });
      }),
    );
    if (answers.length > 0 && answers.every(({ status }) => status === 'rejected')) {
      throw new AppError('unavailable', 'no worker freed the memory of its ComfyUI');
    }
    return reply.send();
  });
}
