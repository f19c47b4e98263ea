using System.CommandLine;
using VlWorker.Bench.Decoding;
using VlWorker.Bench.Fetching;
using VlWorker.Bench.Inference;
using VlWorker.Bench.Messaging;
using VlWorker.Bench.Pipeline;

var root = new RootCommand("Benchmarks of VlWorker; each command explains itself with --help.");
root.Subcommands.Add(FidelityPixelsCommand.Create());
root.Subcommands.Add(FidelityCommand.Create());
root.Subcommands.Add(EngineCommand.Create());
root.Subcommands.Add(SpeedCommands.CreateResize());
root.Subcommands.Add(SpeedCommands.CreateDecode());
root.Subcommands.Add(FetchCommand.Create());
root.Subcommands.Add(MessagesCommand.Create());
root.Subcommands.Add(WorkerCommand.Create());
root.Subcommands.Add(MemoryCommand.Create());
return await root.Parse(args).InvokeAsync();
