using RabbitMQ.Client;
using VlWorker.Contracts;
using VlWorker.Producer.Broker;
using VlWorker.Producer.Printing;

namespace VlWorker.Producer.Declaring;

/// <summary>Goes through the whole topology, declares or compares it, and says what was found.</summary>
/// <param name="terminal">Where the findings go.</param>
/// <param name="address">The broker.</param>
/// <param name="management">Its management API, or null.</param>
/// <param name="policies">Policies to set or compare; they need the management API.</param>
/// <param name="apply">Whether to declare what is missing.</param>
internal sealed class TopologyRun(
    Terminal terminal, BrokerAddress address, ManagementApi? management, IReadOnlyList<QueuePolicy> policies, bool apply)
{
    /// <summary>Runs, and returns the exit code.</summary>
    public async Task<int> RunAsync(CancellationToken cancellation)
    {
        await using var connection = await BrokerConnection.OpenAsync(address, "topology", cancellation);
        var findings = await FindAllAsync(connection, cancellation);
        await using var output = new StreamWriter(terminal.Output, leaveOpen: true);
        foreach (var finding in findings)
            await output.WriteLineAsync($"{Word(finding.State),-9} {finding.Entity}{(finding.Detail.Length > 0 ? $": {Plain.Line(finding.Detail)}" : "")}");
        if (management is null)
            await SayAsync("bindings and policies were not compared: that needs the management API (--management)");
        var wrong = findings.Count(finding => finding.State is not (FindingState.Ok or FindingState.Made));
        if (wrong == 0)
            return ExitCode.Success;
        await SayAsync($"{wrong} of {findings.Count} are not as they must be. {(apply ? "" : "topology apply declares what is missing. ")}"
            + "Arguments can't be changed: empty and delete a queue that differs, or use a virtual host of its own");
        return ExitCode.Topology;
    }

    private async Task<List<Finding>> FindAllAsync(IConnection connection, CancellationToken cancellation)
    {
        var declarer = new EntityDeclarer(connection, apply, cancellation);
        var findings = new List<Finding>();
        foreach (var exchange in Topology.Exchanges)
            findings.Add(await declarer.ExchangeAsync(exchange));
        foreach (var queue in Topology.Queues)
        {
            var policy = policies.FirstOrDefault(candidate => candidate.Queue == queue.Name);
            if (apply && policy is not null)
                await management!.PutPolicyAsync(policy.Name, policy.ToJson(), cancellation);
            findings.Add(await CompareAsync(await declarer.QueueAsync(queue), queue, policy, cancellation));
        }

        return findings;
    }

    private async Task<Finding> CompareAsync(Finding finding, DeclaredQueue queue, QueuePolicy? policy, CancellationToken cancellation)
    {
        // A queue made this moment is as we made it, and the API's view of it is some seconds late.
        if (management is null || finding.State is FindingState.Missing or FindingState.Made || (apply && policy is not null))
            return finding;
        var differences = await new ManagementChecks(management, cancellation).QueueAsync(queue, policy);
        return differences.Count == 0 ? finding : finding with { State = FindingState.Differs, Detail = string.Join("; ", differences) };
    }

    private static string Word(FindingState state) => state switch
    {
        FindingState.Ok => "ok",
        FindingState.Made => "made",
        FindingState.Missing => "MISSING",
        FindingState.Differs => "DIFFERS",
        _ => "UNKNOWN",
    };

    private Task SayAsync(string text) => terminal.Error.WriteLineAsync($"vl-producer: {text}");
}
