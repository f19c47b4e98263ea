// Most of a test here is waiting for servers, and a worker under test takes both cores when it can: two classes at a time.
[assembly: CollectionBehavior(MaxParallelThreads = 2)]
