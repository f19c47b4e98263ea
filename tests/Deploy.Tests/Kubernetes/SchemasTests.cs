using VlWorker.Deploy.Tests.Yaml;

namespace VlWorker.Deploy.Tests.Kubernetes;

public sealed class SchemasTests
{
    [Theory]
    [InlineData("{apiVersion: apps/v1, kind: Deployment, metadata: {name: a}, spec: {replica: 3}}")]
    [InlineData("{apiVersion: apps/v1, kind: Deployment, metadata: {name: a}, spec: {replicas: many}}")]
    [InlineData("{apiVersion: v1, kind: Service, metadata: {name: a}, spec: {ports: [{prot: 80}]}}")]
    [InlineData("{apiVersion: policy/v1, kind: PodDisruptionBudget, metadata: {name: a}, spec: {maxUnavailible: 1}}")]
    [InlineData("{apiVersion: keda.sh/v1alpha1, kind: ScaledObject, metadata: {name: a}, spec: {scaleTargetRef: {name: a}, triggers: [{type: rabbitmq, metadata: {mode: QueueLength, value: 5, queueName: q}}]}}")]
    [InlineData("{apiVersion: keda.sh/v1alpha1, kind: ScaledObject, metadata: {name: a}, spec: {triggers: []}}")]
    [InlineData("{apiVersion: monitoring.coreos.com/v1, kind: PodMonitor, metadata: {name: a}, spec: {selector: {}, podMetricsEndpoints: [{prt: http}]}}")]
    [InlineData("{apiVersion: example.org/v1, kind: Thing, metadata: {name: a}}")]
    public async Task A_field_that_does_not_exist_or_has_another_type_is_found(string text) =>
        Assert.NotEmpty(await Schemas.CheckAsync(YamlDocuments.Parse(text).Single().AsObject()));
}
