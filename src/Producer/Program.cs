using VlWorker.Producer;
using VlWorker.Producer.Broker;
using VlWorker.Producer.Cli;

using var terminal = Terminal.OfProcess();
using var traces = Tracing.Export();
return await ProducerCommand.RunAsync(args, terminal, CancellationToken.None);
