using System.Runtime.InteropServices;

namespace Emojivoto.Monitoring;

/// <summary>The workload <c>prometheus</c>: reads every target's metrics once a second, for ever. Stands for the real one, which keeps them too.</summary>
internal static class PrometheusApp
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    public static async Task RunAsync(IReadOnlyList<Uri> targets)
    {
        using var stopping = new CancellationTokenSource();
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { Timeout = TimeSpan.FromSeconds(5) };
        using var timer = new PeriodicTimer(Interval);
        try
        {
            do
            {
                await Task.WhenAll(targets.Select(target => ScrapeAsync(http, target, stopping.Token)));
            }
            while (await timer.WaitForNextTickAsync(stopping.Token));
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            // It was told to end.
        }

        void Stop(PosixSignalContext signal)
        {
            signal.Cancel = true;
            stopping.Cancel();
        }
    }

    private static async Task ScrapeAsync(HttpClient http, Uri target, CancellationToken stopping)
    {
        try
        {
            _ = await http.GetStringAsync(target, stopping);
        }
        catch (Exception e) when (e is HttpRequestException || (e is OperationCanceledException && !stopping.IsCancellationRequested))
        {
            await Console.Error.WriteLineAsync($"{target} did not answer: {e.Message}");
        }
    }
}
