import { stringify } from "yaml";
import { threadsVariable } from "../../engine/environment.js";
import { type ClusterJob, jobName, shellCommand } from "./job.js";

/** Where the disk that the shards share is seen in their containers. */
const mount = "/study";

/** Seconds in which a shard that is told to end writes its checkpoints. */
const grace = 120;

/** The user `node` of the Dockerfile's image. */
const user = 1000;

/** Times that a shard is started again, on average, before the job is given up. */
const retries = 3;

/** An Indexed Job with a pod for each shard. @param claim The PersistentVolumeClaim that all pods mount and write. */
export function kubernetesJob(job: ClusterJob & { image: string }, claim: string): string {
  const { study, name, shards, options, out, cpus, memory, image } = job;
  const command = shellCommand(["tangent-lab", "experiment", study, ...options, "--out", `${mount}/${out}`]);
  const labels = { "app.kubernetes.io/name": "tangent-lab", "app.kubernetes.io/component": study };
  const resources = { cpu: `${cpus}`, memory: `${memory}Gi` };
  return stringify({
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: { name: jobName(name), labels },
    spec: {
      completionMode: "Indexed",
      completions: shards,
      parallelism: shards,
      backoffLimit: retries * shards,
      template: {
        metadata: { labels },
        spec: {
          restartPolicy: "OnFailure",
          terminationGracePeriodSeconds: grace,
          // The image's user; the disk is made his to write.
          securityContext: { runAsNonRoot: true, runAsUser: user, runAsGroup: user, fsGroup: user },
          containers: [
            {
              name: "shard",
              image,
              workingDir: mount,
              command: ["sh", "-c", `exec ${command} --shard "$((JOB_COMPLETION_INDEX + 1))/${shards}"`],
              env: [
                { name: threadsVariable, value: `${cpus}` },
                // A user without a home may run it.
                { name: "HOME", value: mount },
              ],
              resources: { requests: resources, limits: { memory: resources.memory } },
              volumeMounts: [{ name: "study", mountPath: mount }],
            },
          ],
          volumes: [{ name: "study", persistentVolumeClaim: { claimName: claim } }],
        },
      },
    },
  });
}
