namespace VlWorker.Worker.Tests.Serving;

/// <summary>The tests that share <see cref="DemoModelsWorker"/>.</summary>
[CollectionDefinition(nameof(WithDemoModels))]
public sealed class WithDemoModels : ICollectionFixture<DemoModelsWorker>;
