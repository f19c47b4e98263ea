using VlWorker.Producer;
using VlWorker.Producer.Cli;

using var terminal = Terminal.OfProcess();
return await ProducerCommand.RunAsync(args, terminal, CancellationToken.None);
