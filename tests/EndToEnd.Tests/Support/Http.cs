using Mesh.Tests.Processes;

namespace Mesh.EndToEnd.Tests.Support;

/// <summary>Plain HTTP to probes and applications.</summary>
internal static class Http
{
    private static readonly HttpClient Client = new(new SocketsHttpHandler { PooledConnectionLifetime = TimeSpan.Zero, UseProxy = false })
    {
        Timeout = TimeSpan.FromSeconds(5),
    };

    public static Task<string> GetAsync(string url) => Client.GetStringAsync(new Uri(url));

    public static Task UntilReadyAsync(string admin) => Eventually.TrueAsync(() => IsReadyAsync(admin), $"{admin} is ready");

    public static async Task<bool> IsReadyAsync(string admin)
    {
        try
        {
            using var response = await Client.GetAsync(new Uri($"http://{admin}/ready"));
            return response.IsSuccessStatusCode;
        }
        catch (Exception e) when (e is HttpRequestException or TaskCanceledException)
        {
            return false;
        }
    }
}
