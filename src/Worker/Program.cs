using VlWorker.Hosting;

NativeHeap.Bound();
return await CommandLine.InvokeAsync(args);
