using System.Runtime.InteropServices;

namespace Emojivoto.VoteBot;

/// <summary>The workload <c>vote-bot</c>: votes for emojis drawn at random, for ever.</summary>
internal static class VoteBotApp
{
    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(1);

    public static async Task RunAsync(Uri web, int votesPerSecond)
    {
        if (votesPerSecond is < 1 or > 1_000)
        {
            throw new ArgumentException("--votes-per-second takes a whole number from 1 to 1000.");
        }

        using var stopping = new CancellationTokenSource();
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
        using var http = new HttpClient(new SocketsHttpHandler { PooledConnectionLifetime = TimeSpan.FromSeconds(2), UseProxy = false })
        {
            BaseAddress = web,
            Timeout = TimeSpan.FromSeconds(5),
        };
        var pause = TimeSpan.FromSeconds(1) / votesPerSecond;
        IReadOnlyList<Choice> choices = [];
        while (!stopping.IsCancellationRequested)
        {
            try
            {
                choices = choices.Count > 0 ? choices : await ListAsync(http, stopping.Token);
                var choice = choices[Random.Shared.Next(choices.Count)];
                using var answer = await http.PostAsync(new Uri($"/api/vote?choice={choice.Shortcode}", UriKind.Relative), null, stopping.Token);
                answer.EnsureSuccessStatusCode();
                await Task.Delay(pause, TimeProvider.System, stopping.Token);
            }
            catch (OperationCanceledException) when (stopping.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e) when (e is HttpRequestException or OperationCanceledException or System.Text.Json.JsonException)
            {
                await Console.Error.WriteLineAsync($"web did not answer: {e.Message}");
                await Task.Delay(RetryAfter, TimeProvider.System, stopping.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }

        void Stop(PosixSignalContext signal)
        {
            signal.Cancel = true;
            stopping.Cancel();
        }
    }

    private static async Task<IReadOnlyList<Choice>> ListAsync(HttpClient web, CancellationToken cancellationToken) =>
        await web.GetFromJsonAsync<List<Choice>>("/api/list", cancellationToken) is { Count: > 0 } choices
            ? choices
            : throw new HttpRequestException("there is nothing to vote for");

    private sealed record Choice(string Shortcode, string Text, long Votes);
}
