using System.CommandLine;
using System.Text;
using VlWorker.ModelKit.Downloads;
using VlWorker.ModelKit.Tests.Downloads;
using VlWorker.Models;

namespace VlWorker.Worker.Tests.Models;

public sealed class PullCommandTests : IAsyncLifetime
{
    private readonly string _parent = Directory.CreateTempSubdirectory("vlworker-pull-").FullName;
    private readonly StringBuilder _out = new();
    private readonly StringBuilder _error = new();
    private LocalHub _hub = null!;

    private string Folder => Path.Combine(_parent, "model");

    public async Task InitializeAsync()
    {
        _hub = await LocalHub.StartAsync();
        _hub.Files["config.json"] = "{}"u8.ToArray();
        _hub.Files["model.safetensors"] = new byte[5000];
    }

    public async Task DisposeAsync()
    {
        await _hub.DisposeAsync();
        Directory.Delete(_parent, true);
    }

    [Fact]
    public async Task It_tells_what_it_fetched_and_prints_pins_that_hold()
    {
        Assert.Equal(0, await RunAsync(Options(), printPins: true));
        Assert.Single(_error.ToString().Split(Environment.NewLine), static line => line == "model.safetensors: 100 % of 5 kB");
        Assert.Contains($"Done: {Folder}, 2 files, 5 kB, commit {_hub.Commit}", _error.ToString());

        var pins = Path.Combine(_parent, "pins");
        File.WriteAllText(pins, _out.ToString());
        Directory.Delete(Folder, true);
        Assert.Equal(0, await RunAsync(Options() with { Pins = PinFile.Read(pins) }));
        Assert.Equal(5000, new FileInfo(Path.Combine(Folder, "model.safetensors")).Length);
        Assert.Equal(0, await RunAsync(Options()));
        Assert.Contains("Already there: ", _error.ToString());
    }

    [Fact]
    public async Task What_can_not_be_fetched_is_an_error()
    {
        _hub.Listed["model.safetensors"] = new byte[6000];
        Assert.Equal(2, await RunAsync(Options()));
        Assert.Contains("model.safetensors: the server gives 5000 bytes, not 6000; trying again", _error.ToString());
        Assert.Contains("Error: model.safetensors: ", _error.ToString());
        Assert.Equal(2, await RunAsync(() => throw new PullException("wrong")));
    }

    [Fact]
    public async Task An_interruption_has_its_own_exit_code()
    {
        using var cancellation = new CancellationTokenSource();
        _hub.Trouble = async (_, _, _) =>
        {
            await cancellation.CancelAsync();
            return false;
        };
        Assert.Equal(130, await RunAsync(Options, false, cancellation.Token));
        Assert.Contains("goes on from here", _error.ToString());
    }

    [Theory]
    [InlineData("pull")]
    [InlineData("pull a/b --endpoint ftp://host")]
    [InlineData("pull a/b --endpoint nowhere")]
    public void Arguments_are_checked(string line) => Assert.NotEmpty(ModelCommand.Create().Parse(line).Errors);

    private PullOptions Options() => new(LocalHub.Repository, Folder) { Endpoint = _hub.Address, RetryDelay = TimeSpan.FromMilliseconds(1) };

    private Task<int> RunAsync(PullOptions options, bool printPins = false) => RunAsync(() => options, printPins);

    private async Task<int> RunAsync(Func<PullOptions> read, bool printPins = false, CancellationToken cancellation = default)
    {
        await using var output = new StringWriter(_out);
        await using var error = new StringWriter(_error);
        return await PullCommand.RunAsync(read, printPins, (output, error), TimeProvider.System, cancellation)
            .WaitAsync(TimeSpan.FromMinutes(1), CancellationToken.None);
    }
}
