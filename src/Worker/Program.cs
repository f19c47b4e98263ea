using VlWorker.Hosting;

return await CommandLine.InvokeAsync(args);
